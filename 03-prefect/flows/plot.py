"""A plot as text that a browser shows: a PNG in a data URL."""

import base64
import io

from matplotlib.figure import Figure


def bars(values: dict[str, float], label: str) -> str:
    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.subplots()
    axes.bar(list(values), list(values.values()))
    axes.tick_params(axis="x", rotation=90)
    axes.set_ylabel(label)
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=120)
    return f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"
