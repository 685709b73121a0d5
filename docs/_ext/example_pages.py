"""Scripts and pages fit each other.

On a code host, pages lead to the scripts in ``examples`` and ``course``; in the site
they lead to the pages made from these. The scripts in ``examples`` speak to readers of
``--help``: here, the first line of their docstring becomes a heading, and indented
commands become code.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import re

GALLERIES = {"../examples": "auto_examples", "course": "auto_course"}
LINK = re.compile(r"\]\((\.\./examples|course)/(\w+)\.py\)")
TITLE = re.compile(r"(\.\. _sphx_glr_auto_examples_\w+\.py:\n\n)(.+?)\.?\n\n")
COMMANDS = re.compile(r"\n\n((?: {4}python .*\n)+)")


def link_to_pages(text):
    """Links of a Markdown page to scripts, made links to their pages."""
    return LINK.sub(lambda match: f"]({GALLERIES[match[1]]}/{match[2]}.rst)", text)


def with_heading(text):
    """The page of a script whose docstring has a summary, but no heading."""

    def underline(match):
        return f"{match[1]}{match[2]}\n{'=' * len(match[2])}\n\n"

    text = TITLE.sub(underline, text, count=1)
    return COMMANDS.sub(r"\n\n.. code-block:: bash\n\n\1", text, count=1)


def edit(app, docname, source):
    if docname.startswith("auto_examples/"):
        source[0] = with_heading(source[0])
    else:
        source[0] = link_to_pages(source[0])


def setup(app):
    app.connect("source-read", edit)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
