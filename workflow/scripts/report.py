"""The page of all studies of a scale, from the files in git: results/site/{scale}.html.

It is a view of the files, as MLflow's store is, and no stage: it needs libraries that no job needs, and no file builds
on it.

    python workflow/scripts/report.py --scale reduced
"""

import argparse
import sys
from pathlib import Path

from stages import stages

from supernet import config as configs
from supernet import records
from supernet.errors import UserError
from supernet.report.site.build import build

PAGE = "results/site/{scale}.html"


def write(scale: str) -> Path:
    """Build the page of ``scale`` in the current folder; where it lies. Raises ``UserError``."""
    config, page = configs.load(scale), Path(PAGE.format(scale=scale))
    jobs = [job for stage in stages(config, scale) for job in stage.jobs]
    records.write_text(page, build(config, scale, jobs))
    return page


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--scale", default="reduced", help="entry of `scales` in params.yaml")
    try:
        page = write(parser.parse_args().scale)
    except UserError as error:
        sys.exit(f"supernet: {error}")
    print(f"{page}: {page.stat().st_size / 1e6:.1f} MB; open it in a browser")
