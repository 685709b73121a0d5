"""The pages and the docstrings: links, examples, completeness, numpydoc's rules."""

import importlib
import inspect
import re
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest
from numpydoc import docscrape
from numpydoc.validate import validate

import sklearn_seq
from sklearn_seq._core.docs import MARKER, documented

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
README = [page for page in [ROOT / "README.md"] if page.exists()]

# numpydoc's codes for what would mislead a reader: no docstring or summary; parameters
# that are not documented, unknown, in the wrong order, without a description, or badly
# spaced; no section on what is returned or yielded, or none of its description.
ERRORS = {
    *("GL08", "SS01", "SS03"),
    *("PR01", "PR02", "PR03", "PR06", "PR07", "PR10"),
    *("RT01", "RT03", "YD01"),
}
NO_EXAMPLE = "EX01"


def relative(path):
    return str(path.relative_to(ROOT))


def without_code(text):
    """Text without fenced and inline code, whose brackets are no links."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "code", text)


def anchors(text):
    """Anchors of the headings of a page, as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    found = Counter()
    for heading in re.findall(r"^#+ +(.*?) *#*$", text, flags=re.MULTILINE):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        yield slug if slug not in found else f"{slug}-{found[slug]}"
        found[slug] += 1


def broken_links(document):
    """Relative links of a page that lead to no file or no heading."""
    text = without_code(document.read_text(encoding="utf-8"))
    targets = re.findall(r"\]\(([^)\s]+)(?: \"[^\"]*\")?\)", text)
    targets += re.findall(r"^\[[^]]+\]: *(\S+)", text, flags=re.MULTILINE)
    broken = []
    for target in targets:
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        if not file.exists():
            broken.append(target)
        elif anchor and anchor not in anchors(file.read_text(encoding="utf-8")):
            broken.append(target)
    return broken


@pytest.mark.parametrize("document", [*PAGES, *sorted(ROOT.glob("*.md"))], ids=relative)
def test_relative_links_lead_somewhere(document):
    assert broken_links(document) == []


def test_link_checker_finds_broken_links(tmp_path):
    """The checker's own test: it would pass any page if it found no links."""
    (tmp_path / "there.md").write_text("# One *two*: `three`\n## Same\n## Same\n")
    page = tmp_path / "page.md"
    page.write_text(
        "# Here\n[a](there.md) [b](there.md#one-two-three) [c](there.md#same-1)\n"
        "[d](#here) [`code`](missing.md) [e](there.md#no) [f](#no) [g][ref]\n"
        "[h](https://example.org/x) `[i](code.md)`\n\n[ref]: other.md\n"
        "```\n[j](fenced.md)\n```\n"
    )
    assert broken_links(page) == ["missing.md", "there.md#no", "#no", "other.md"]


@pytest.mark.parametrize("document", [*PAGES, *README], ids=relative)
def test_python_blocks_are_doctests(document):
    """Each begins with a prompt and ends with an empty line.

    Without that line, doctest would take the closing fence for expected output.
    """
    text = document.read_text(encoding="utf-8")
    for block in re.findall(
        r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL
    ):
        assert block.startswith(">>> "), block
        assert block.endswith("\n\n"), block


def toctree_entries(text):
    """Documents named in a page's toctrees."""
    for block in re.findall(
        r"^```\{toctree\}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL
    ):
        for line in block.splitlines():
            if line.strip() and not line.startswith(":"):
                yield line.strip()


def test_every_page_is_in_one_toctree():
    """The site's navigation leads to each page, and in one way."""
    entries = [
        entry
        for page in PAGES
        for entry in toctree_entries(page.read_text(encoding="utf-8"))
    ]
    written = {"api/index", "auto_course/index", "auto_examples/index"}
    assert sorted(entries) == sorted(
        {page.stem for page in PAGES} - {"index"} | written
    )


def public_subpackages():
    return [
        name
        for name in sklearn_seq.__all__
        if isinstance(getattr(sklearn_seq, name), ModuleType)
    ]


def public_objects():
    """Full name and object of everything in the public subpackages' `__all__`."""
    for subpackage in public_subpackages():
        module = importlib.import_module(f"sklearn_seq.{subpackage}")
        for name in module.__all__:
            yield f"{module.__name__}.{name}", getattr(module, name)


PUBLIC = dict(public_objects())
CLASSES = {name: thing for name, thing in PUBLIC.items() if inspect.isclass(thing)}
FUNCTIONS = {name: thing for name, thing in PUBLIC.items() if inspect.isfunction(thing)}
INSTANCES = {
    name: thing
    for name, thing in PUBLIC.items()
    if name not in CLASSES and name not in FUNCTIONS
}


def methods(name, cls):
    """Full names of a class's public methods, other than those of scikit-learn."""
    for attribute in dir(cls):
        method = getattr(cls, attribute)
        if attribute.startswith("_") or not callable(method):
            continue
        module = getattr(inspect.unwrap(method), "__module__", None) or ""
        if module.split(".")[0] == "sklearn_seq":
            yield f"{name}.{attribute}"


METHODS = [method for name, cls in CLASSES.items() for method in methods(name, cls)]


@pytest.mark.parametrize("subpackage", public_subpackages())
def test_every_public_name_is_in_the_pages(subpackage):
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    module = getattr(sklearn_seq, subpackage)
    assert [
        name for name in module.__all__ if not re.search(rf"\b{name}\b", text)
    ] == []


def test_files_named_in_the_tour_exist():
    """Those in the table of docs/inside.md."""
    text = (ROOT / "docs" / "inside.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| (`.*?`) \|", text, flags=re.MULTILINE)
    named = [
        name for cell in cells for name in re.findall(r"`([\w/.]+(?:/|\.py))`", cell)
    ]
    assert len(named) > 10
    package = ROOT / "sklearn_seq"
    assert [name for name in named if not (package / name).exists()] == []


def numpydoc_errors(name, codes):
    return [
        f"{code}: {message}"
        for code, message in validate(name)["errors"]
        if code in codes
    ]


@pytest.mark.parametrize("name", [*CLASSES, *FUNCTIONS])
def test_docstrings_of_classes_and_functions(name):
    assert numpydoc_errors(name, {*ERRORS, NO_EXAMPLE}) == []


@pytest.mark.parametrize("name", METHODS)
def test_docstrings_of_methods(name):
    assert numpydoc_errors(name, ERRORS) == []


@pytest.mark.parametrize("name", CLASSES)
def test_public_properties_are_documented_attributes(name):
    properties = {
        attribute
        for attribute, value in inspect.getmembers(CLASSES[name])
        if isinstance(value, property) and not attribute.startswith("_")
    }
    documentation = docscrape.NumpyDocString(inspect.getdoc(CLASSES[name]))
    assert properties <= {entry.name for entry in documentation["Attributes"]}


@pytest.mark.parametrize("name", INSTANCES)
def test_docstrings_of_callable_instances(name):
    """Scorers: what they document is what they take."""
    documentation = docscrape.NumpyDocString(inspect.getdoc(INSTANCES[name]))
    described = [entry.name for entry in documentation["Parameters"]]
    taken = list(inspect.signature(INSTANCES[name]).parameters)
    assert sorted(described) == sorted(taken)
    assert documentation["Summary"] and documentation["Returns"]


def test_something_was_collected():
    """None of the lists above may become empty unnoticed."""
    assert PAGES and CLASSES and FUNCTIONS and INSTANCES
    assert {name.rpartition(".")[2] for name in METHODS} >= {"fit", "partial_fit"}


def test_shared_descriptions_stand_in_the_docstrings():
    """At their place, with its indentation; a marker of no text is an error."""
    marker = "Compute.\n\n    Parameters\n    ----------\n    %(groups)s\n    "

    def compute(groups):
        pass

    compute.__doc__ = marker
    lines = documented(compute).__doc__.splitlines()
    assert lines[4] == "    groups : array-like of shape (n_samples,), default=None"
    assert lines[5].startswith("        For rows")
    compute.__doc__ = marker.replace("groups", "unknown")
    with pytest.raises(KeyError):
        documented(compute)


def test_no_marker_is_left():
    docstrings = dict(PUBLIC)
    for name, cls in CLASSES.items():
        for method in methods(name, cls):
            docstrings[method] = getattr(cls, method.rpartition(".")[2])
    found = [n for n, thing in docstrings.items() if MARKER.search(thing.__doc__ or "")]
    assert found == []
