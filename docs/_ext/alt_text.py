"""Every picture says in words what it shows: a warning where one does not.

A figure of a gallery takes these words from its title. Where it has none, there stands
the name of the script.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from docutils import nodes
from sphinx.util import logging
from sphinx_gallery.directives import imgsgnode

logger = logging.getLogger(__name__)


def is_missing(alt, docname):
    """Whether there are no words, or only the name of a script."""
    script = docname.rpartition("/")[2].replace("_", " ")
    return not alt.strip() or alt.strip() == script


def check(app, doctree):
    docname = app.env.docname
    if docname.startswith("api/") or docname.endswith("/index"):
        return  # thumbnails, beside which the title stands
    for kind in (nodes.image, imgsgnode):
        for image in doctree.findall(kind):
            if is_missing(image.get("alt") or "", docname):
                logger.warning(
                    "%s has no words for those who do not see it: give the figure a "
                    "title, the image an alt text.",
                    image.get("uri"),
                    location=docname,
                )


def setup(app):
    app.connect("doctree-read", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
