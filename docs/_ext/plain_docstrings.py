"""Docstrings are written to be read as they are; here they become reStructuredText.

There, a name that ends in an underscore would be a reference, and what stands between
two bars a substitution.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import re

LITERAL = re.compile(r"(`+[^`]+`+)")
UNDERSCORE = re.compile(r"(?<=[ (])(\w+)_(?=[,) ]|$)")


def escape(line):
    """A line whose underscores and bars outside backticks mean themselves."""
    parts = LITERAL.split(line)
    for i in range(0, len(parts), 2):
        parts[i] = UNDERSCORE.sub(r"\1\\_", parts[i]).replace("|", r"\|")
    return "".join(parts)


def escape_lines(lines):
    """All lines but those of doctests and those that define an attribute."""
    in_doctest = False
    escaped = []
    for line in lines:
        in_doctest = bool(line.strip()) and (
            in_doctest or line.lstrip().startswith(">>>")
        )
        if in_doctest:
            escaped.append(line)
        elif " : " in line:
            name, colon, kind = line.partition(" : ")
            escaped.append(name + colon + escape(kind))
        else:
            escaped.append(escape(line))
    return escaped


def edit(app, what, name, thing, options, lines):
    lines[:] = escape_lines(lines)


def setup(app):
    app.connect("autodoc-process-docstring", edit, priority=400)  # before numpydoc
    return {"parallel_read_safe": True, "parallel_write_safe": True}
