"""What the documentation's site is made of, as far as it shows without a build."""

import ast
import importlib.util
import inspect
import re
from itertools import pairwise
from pathlib import Path

import pytest
from numpydoc import docscrape
from sklearn.base import BaseEstimator
from sklearn_versions import HAS_CALLBACKS

import sklearn_seq
from sklearn_seq._core.documentation_link import DocumentationLink

DOCS = Path(__file__).parents[1] / "docs"
EXAMPLES = sorted((DOCS.parent / "examples").glob("*.py"))
CHAPTERS = sorted((DOCS / "course").glob("plot_*.py"))


def extension(name):
    """One of the site's own extensions of Sphinx, as a module."""
    spec = importlib.util.spec_from_file_location(name, DOCS / "_ext" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


api_reference = extension("api_reference")
example_pages = extension("example_pages")
plain_docstrings = extension("plain_docstrings")
PAGES = api_reference.all_pages()


def public_names():
    """Subpackage and name of everything in their `__all__`."""
    for subpackage in sklearn_seq.__all__:
        module = getattr(sklearn_seq, subpackage)
        if inspect.ismodule(module):
            for name in module.__all__:
                yield subpackage, name


PUBLIC = list(public_names())


def test_api_has_one_page_for_each_public_name():
    titles = [
        text.partition("\n")[0] for page, text in PAGES.items() if page != "index"
    ]
    assert sorted(titles) == sorted(name for _, name in PUBLIC)


@pytest.mark.parametrize("subpackage, name", PUBLIC)
def test_api_index_lists_every_public_name(subpackage, name):
    index = PAGES["index"]
    assert re.search(rf"^   ~sklearn_seq\.(?:{subpackage}\.)?{name}$", index, re.M)
    (page,) = re.findall(rf"^   {name} <(.*)>$", index, re.M)
    assert page in PAGES


def test_api_index_lists_nothing_that_is_not_there():
    for path in re.findall(r"^   ~sklearn_seq\.(.*)$", PAGES["index"], re.M):
        thing = sklearn_seq
        for name in path.split("."):
            thing = getattr(thing, name)


def test_every_subpackage_has_a_title():
    assert list(api_reference.TITLES) == api_reference.subpackages()


@pytest.mark.parametrize(
    "cls",
    [
        cls
        for subpackage, name in PUBLIC
        if inspect.isclass(cls := getattr(getattr(sklearn_seq, subpackage), name))
        and issubclass(cls, BaseEstimator)
    ],
)
def test_estimators_have_the_page_that_they_link_to(cls, monkeypatch):
    assert issubclass(cls, DocumentationLink)
    monkeypatch.setattr(
        "sklearn_seq._core.documentation_link.documentation_url",
        lambda: "https://x.org",
    )
    link = object.__new__(cls)._get_doc_link()
    assert link.removeprefix("https://x.org/api/").removesuffix(".html") in PAGES


def test_links_to_scripts_lead_to_their_pages():
    text = "[a](../examples/one.py), [b](course/plot_02_x.py), [c](../benchmarks/d.py)"
    assert example_pages.link_to_pages(text) == (
        "[a](auto_examples/one.rst), [b](auto_course/plot_02_x.rst), "
        "[c](../benchmarks/d.py)"
    )


def test_page_of_a_script_gets_a_heading():
    page = (
        ".. _sphx_glr_auto_examples_one.py:\n\nDo this.\n\nAnd that.\n\n"
        "    python examples/one.py\n    python examples/one.py --x 1\n"
    )
    assert example_pages.with_heading(page) == (
        ".. _sphx_glr_auto_examples_one.py:\n\nDo this\n=======\n\nAnd that.\n\n"
        ".. code-block:: bash\n\n"
        "    python examples/one.py\n    python examples/one.py --x 1\n"
    )


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.name)
def test_scripts_begin_with_one_line_and_how_they_are_started(script):
    """The line becomes a heading of the site, the command a block of code."""
    docstring = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8")))
    first, blank, *rest = docstring.splitlines()
    assert first.endswith((".", "?")) and not blank
    assert any(line.startswith(f"    python examples/{script.name}") for line in rest)


def short_rules(text):
    """Headings of a script's text whose over- or underline is too short."""
    lines = [re.sub(r"^# ?", "", line) for line in text.splitlines()]
    pairs = list(pairwise(lines))
    for title, rule in [*pairs, *(pair[::-1] for pair in pairs)]:
        if re.fullmatch(r"([=\-~^])\1{3,}", rule) and re.match(r"\w", title):
            if len(rule) < len(title):
                yield title


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.name)
def test_headings_of_chapters_are_ruled_in_full(chapter):
    assert list(short_rules(chapter.read_text(encoding="utf-8"))) == []


def test_short_rules_are_found():
    text = '"""\n=====\nTitle\n=====\n"""\n\n# %%\n# Section\n# ------\n'
    assert list(short_rules(text)) == ["Section"]


@pytest.mark.parametrize(
    "line, expected",
    [
        ("coef_ : ndarray of shape (n_in_,)", r"coef_ : ndarray of shape (n_in\_,)"),
        ("the modulus |z| of `roots_`", r"the modulus \|z\| of `roots_`"),
        ("``a_ | b_`` and c_", r"``a_ | b_`` and c\_"),
        ("coef_ : ndarray", "coef_ : ndarray"),
        ("snake_case_name", "snake_case_name"),
    ],
)
def test_docstrings_mean_what_they_say(line, expected):
    assert plain_docstrings.escape_lines([line]) == [expected]


def test_examples_in_docstrings_stay_as_they_are():
    lines = [">>> (x | model.coef_)", "array([x_ | y_])", "", "a_ | b_"]
    assert plain_docstrings.escape_lines(lines) == [*lines[:3], r"a_ \| b\_"]


def tables(text):
    """Head and rows of each table of a page, as lists of cells."""
    for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        head, _, *rows = (
            [cell.strip() for cell in line.strip("|").split(" | ")]
            for line in block.splitlines()
        )
        yield head, rows


def migrations():
    """Class in the head of the column, or None, and each name that is given as ours."""
    text = (DOCS / "migrating.md").read_text(encoding="utf-8")
    for head, rows in tables(text):
        name = re.search(r"`(\w+)`", head[1])
        for row in rows:
            for ours in re.findall(r"`([^`]+)`", row[1]):
                yield name and name[1], ours


def attributes(cls):
    """Names that a fitted instance has, private ones aside."""
    documented = docscrape.NumpyDocString(inspect.getdoc(cls))["Attributes"]
    return {*dir(cls), *(entry.name for entry in documented)}


def check_call(cls, arguments):
    """Parameters exist, and scikit-learn's constraints allow the values."""
    call = ast.parse(f"f({arguments})", mode="eval").body
    values = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    assert not call.args and values
    instance = cls(**values)
    if hasattr(cls, "_parameter_constraints"):
        instance._validate_params()


def missing(head, ours):
    """What a name given as ours lacks to be one, or an empty string."""
    if ours == ".set_callbacks" and not HAS_CALLBACKS:
        return ""
    if ours.startswith("."):
        cls = getattr(sklearn_seq, head)
        return "" if ours[1:] in attributes(cls) else f"{head} has no {ours}"
    if re.match(r"\w+=", ours):
        check_call(getattr(sklearn_seq, head), ours)
        return ""
    path, _, arguments = ours.removesuffix(")").partition("(")
    thing = sklearn_seq
    for name in path.split("."):
        if inspect.isclass(thing):
            return "" if name in attributes(thing) else f"{thing} has no {name}"
        if name not in thing.__all__:
            return f"{thing} has no {name}"
        thing = getattr(thing, name)
    if arguments:
        check_call(thing, arguments)
    return ""


def test_our_names_in_the_migration_tables_exist():
    names = list(migrations())
    assert len(names) > 100
    wrong = [missing(head, ours) for head, ours in names if ours.strip()]
    assert [message for message in wrong if message] == []


@pytest.mark.parametrize(
    "head, ours",
    [
        ("GaussianHMM", ".covars_"),
        (None, "GaussianHMMs"),
        (None, "GaussianHMM.covars_"),
        (None, "DelayTaps"),
    ],
)
def test_names_that_do_not_exist_are_noticed(head, ours):
    assert missing(head, ours)


@pytest.mark.parametrize("ours", ["n_iter=3", 'covariance_type="diagonal"'])
def test_parameters_that_do_not_exist_are_noticed(ours):
    with pytest.raises((TypeError, ValueError)):
        missing("GaussianHMM", ours)
