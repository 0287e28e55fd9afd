"""``python -m tools.dashboards``: write the chart's dashboards anew."""

from tools.dashboards.all import FOLDER, files

if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text)
