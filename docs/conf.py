"""Sphinx configuration of the site: pages, course, examples and API reference."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import sys
from pathlib import Path

import sklearn_seq

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "sklearn_seq"
author = "The sklearn_seq developers"
copyright = "The sklearn_seq developers, BSD 3-Clause License"
version = release = sklearn_seq.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
    "alt_text",
    "api_reference",
    "example_pages",
    "plain_docstrings",
]
exclude_patterns = ["_build", "_ext", "course"]
default_role = "code"
highlight_language = "python"
nitpicky = True
nitpick_ignore_regex = [(r"py:.*", r"(?!sklearn_seq\.).*")]

myst_heading_anchors = 4

autosummary_generate = False
autodoc_typehints = "none"
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": ["course", "../examples"],
    "gallery_dirs": ["auto_course", "auto_examples"],
    "filename_pattern": r"[\\/]plot_",
    "within_subsection_order": "FileNameSortKey",
    "doc_module": ("sklearn_seq",),
    "backreferences_dir": "api/backreferences",
    "inspect_global_variables": False,
    "write_computation_times": False,
    "min_reported_time": float("inf"),
    "remove_config_comments": True,
}

html_theme = "pydata_sphinx_theme"
html_title = "sklearn_seq"
html_static_path = ["_static"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "sklearn_seq"},
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version", "theme-version"],
    "secondary_sidebar_items": ["page-toc", "sg_download_links"],
}
html_sidebars = {"index": []}
