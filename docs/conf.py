"""How Sphinx makes a site of these pages, the README and the docstrings. `make docs`; a warning is an error.

The pages are written to be read where they lie, so links to the code are turned into links to its reference here.
"""

import re
import subprocess
import sys
from pathlib import Path

from sphinx.application import Sphinx

from supernet import __version__

ROOT = Path(__file__).parents[1]
TO_CODE = re.compile(r"\]\(\.\./src/supernet/((?:[a-z]\w*/)*(?:__init__|[a-z]\w*))\.py\)")
IN_TABLE = re.compile(r"`((?:[a-z]\w*/)*[a-z]\w*)\.py`")

project, author, release = "supernet", "The supernet maintainers", __version__
copyright = author
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.apidoc", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "supernet"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_show_sphinx = False

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
highlight_language = "none"

# Docstrings quote names of the project and names of arguments alike: a link where there is something to link to.
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
apidoc_modules = [
    {
        "path": str(ROOT / "src" / "supernet"),
        "destination": "api",
        "separate_modules": True,
        "module_first": True,
        "max_depth": 1,
        "automodule_options": {"members"},
    }
]


def reference(path: str) -> str:
    """Where the site has the module of ``path``, a file of the package without its ending."""
    return f"api/{'.'.join(['supernet', *(part for part in path.split('/') if part != '__init__')])}.rst"


def linked(line: str) -> str:
    """A line of a table whose names of files, as `stages/score.py`, are links to their modules."""

    def link(found: re.Match[str]) -> str:
        there = (ROOT / "src" / "supernet" / f"{found[1]}.py").is_file()
        return f"[{found[0]}]({reference(found[1])})" if there else found[0]

    return IN_TABLE.sub(link, line) if line.startswith("|") else line


def site(app: Sphinx, page: str, source: list[str]) -> None:
    """Put README.md and the help of the command line where a page asks for them, and turn links to the code."""
    if "<!-- README -->" in source[0]:
        readme = (ROOT / "README.md").read_text()
        readme = re.sub(r"\]\((?!https?:|#|docs/)", "](../", readme).replace("](docs/", "](")
        source[0] = source[0].replace("<!-- README -->", readme)
    if "<!-- help -->" in source[0]:
        command = [sys.executable, "-m", "typer", "supernet.cli", "utils", "docs", "--name", "supernet"]
        made = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        source[0] = source[0].replace("<!-- help -->", made.split("\n", 1)[1])
    if page.startswith("api/"):  # headings of apidoc: "supernet.arch module"
        title = "Python" if page == "api/modules" else r"\1"
        source[0] = re.sub(r"^(\S+)( module| package|)$(?=\n==)", title, source[0], count=1, flags=re.MULTILINE)
        return
    text = TO_CODE.sub(lambda found: f"]({reference(found[1])})", source[0])
    text = re.sub(r"\]\((\.\./results/[^)]*\.md)\)", r"](path:\1)", text)  # a file, not a page of the site
    source[0] = "\n".join(map(linked, text.replace("](../params.yaml)", "](params.md)").split("\n")))


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", site)
