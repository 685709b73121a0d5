"""Link to the documentation in the HTML representation of an estimator."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from importlib.metadata import PackageNotFoundError, metadata

__all__ = ["DocumentationLink"]


def documentation_url():
    """URL of the documentation in the package's metadata, or None."""
    try:
        urls = metadata("sklearn_seq").get_all("Project-URL") or []
    except PackageNotFoundError:  # sources that are not installed
        return None
    for entry in urls:
        label, _, url = entry.partition(", ")
        if label.lower() == "documentation":
            return url.rstrip("/")
    return None


class DocumentationLink:
    """Mixin: the link to an estimator's page in its HTML representation.

    The URL comes from the metadata of the installed package; without one there is no
    link.
    """

    _doc_link_module = "sklearn_seq"

    @property
    def _doc_link_template(self):
        url = documentation_url()
        return f"{url}/api/sklearn_seq.{{estimator_name}}.html" if url else ""

    def _doc_link_url_param_generator(self):
        return {"estimator_name": type(self).__name__}
