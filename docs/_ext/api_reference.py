"""Pages of the API reference, written from each subpackage's ``__all__``.

The page of an estimator is ``api/sklearn_seq.<name>``, wherever it lives: that is where
its HTML representation leads.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import inspect
import re
from importlib import import_module
from pathlib import Path
from textwrap import dedent, indent

import sklearn_seq

TITLES = {
    "autoregressive": "Autoregressive models and feed-forward nets",
    "lds": "Linear dynamical systems",
    "hmm": "Hidden Markov models",
    "rnn": "Recurrent networks",
    "echo_state": "Echo state networks",
    "sequences": "Sequences",
    "preprocessing": "Preprocessing",
    "model_selection": "Model selection",
    "metrics": "Metrics and scorers",
    "inspection": "Displays and diagnostics",
    "datasets": "Data",
}


def subpackages():
    """Names of the public subpackages, those with titles first."""
    public = [name for name in sklearn_seq.__all__ if is_subpackage(name)]
    return sorted(public, key=[*TITLES, *public].index)


def is_subpackage(name):
    return inspect.ismodule(getattr(sklearn_seq, name))


def public_names(subpackage):
    """Names in the subpackage's ``__all__``, without its case."""
    return sorted(
        import_module(f"sklearn_seq.{subpackage}").__all__,
        key=lambda name: name.lower(),
    )


def home(subpackage, name):
    """The module that users import a name from."""
    if name in sklearn_seq.__all__:
        return "sklearn_seq"
    return f"sklearn_seq.{subpackage}"


def page_name(subpackage, name):
    thing = getattr(import_module(f"sklearn_seq.{subpackage}"), name)
    if hasattr(thing, "_doc_link_module"):
        return f"sklearn_seq.{name}"
    return f"{home(subpackage, name)}.{name}"


def own_methods(cls):
    """Public methods of a class and of its bases here, not those of scikit-learn."""
    for name in sorted(dir(cls)):
        method = getattr(cls, name)
        module = getattr(inspect.unwrap(method), "__module__", None) or ""
        if (
            not name.startswith("_")
            and callable(method)
            and module.partition(".")[0] == "sklearn_seq"
        ):
            yield name


def other_methods(cls):
    """Public methods that come from scikit-learn."""
    own = set(own_methods(cls))
    return [
        name
        for name in sorted(dir(cls))
        if not name.startswith("_") and callable(getattr(cls, name)) and name not in own
    ]


def heading(text, underline):
    return f"{text}\n{underline * len(text)}\n\n"


def index():
    """The list of all names, by subpackage."""
    parts = [
        heading("API reference", "="),
        "All public names, by subpackage. Estimators of the families can be imported\n"
        "from ``sklearn_seq``, too.\n\n",
    ]
    for subpackage in subpackages():
        names = public_names(subpackage)
        title = TITLES.get(subpackage, subpackage)
        table = "\n".join(f"~{home(subpackage, name)}.{name}" for name in names)
        pages = "\n".join(f"{name} <{page_name(subpackage, name)}>" for name in names)
        parts += [
            heading(title, "-"),
            f"``sklearn_seq.{subpackage}``\n\n",
            ".. autosummary::\n   :nosignatures:\n\n",
            indent(table, "   ") + "\n\n",
            f".. toctree::\n   :hidden:\n   :caption: {title}\n\n",
            indent(pages, "   ") + "\n\n",
        ]
    return "".join(parts)


def page(subpackage, name):
    """The page of one class, function or scorer."""
    thing = getattr(import_module(f"sklearn_seq.{subpackage}"), name)
    module = home(subpackage, name)
    text = heading(name, "=") + f".. currentmodule:: {module}\n\n"
    if inspect.isclass(thing):
        text += f".. autoclass:: {name}\n"
        methods = ", ".join(own_methods(thing))
        text += f"   :members: {methods}\n\n" if methods else "\n"
        others = ", ".join(f"``{method}``" for method in other_methods(thing))
        if others:
            text += f"Methods that all scikit-learn estimators have: {others}.\n\n"
    else:
        text += f".. autofunction:: {name}\n\n"
    if module == "sklearn_seq":
        text += f"Lives in ``sklearn_seq.{subpackage}``.\n\n"
    return text + dedent(
        f"""\
        .. minigallery:: {module}.{name} sklearn_seq.{subpackage}.{name}
           :add-heading: Where it is used
           :heading-level: -
        """
    )


def all_pages():
    """Text of each page by its name."""
    pages = {"index": index()}
    for subpackage in subpackages():
        for name in public_names(subpackage):
            pages[page_name(subpackage, name)] = page(subpackage, name)
    return pages


def write(app):
    """Write pages that are new or changed, and remove those of names that went."""
    folder = Path(app.srcdir) / "api"
    folder.mkdir(exist_ok=True)
    pages = {folder / f"{name}.rst": text for name, text in all_pages().items()}
    for path in set(folder.glob("*.rst")) - set(pages):
        path.unlink()
    for path, text in pages.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def resolve_alias(app, env, node, contnode):
    """``sklearn_seq.rnn.RNNRegressor`` leads to ``sklearn_seq.RNNRegressor``."""
    target = node.get("reftarget", "")
    match = re.match(r"sklearn_seq\.(\w+)\.(\w+)(.*)", target)
    if node.get("refdomain") != "py" or not match or match[1] not in subpackages():
        return None
    alias = f"{home(match[1], match[2])}.{match[2]}{match[3]}"
    return env.domains["py"].resolve_xref(
        env, node["refdoc"], app.builder, node["reftype"], alias, node, contnode
    )


def setup(app):
    app.connect("builder-inited", write)
    app.connect("missing-reference", resolve_alias)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
