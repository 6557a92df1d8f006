#!/usr/bin/python3
"""Draws results of `make bench` (sections curves and policy) as SVG: rate by flows and by rules,
latency by load, compile time by rules. `plots.py RESULTS... DIRECTORY`; what has no figures in the
files is not drawn."""
import json
import os
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

matplotlib.rcParams["svg.hashsalt"] = "sluice"  # equal results, equal files


def named(results, prefix):
    return [one for one in results if one["name"].startswith(prefix)]


def spread(one, key):
    values = [sample[key] if isinstance(sample, dict) else sample for sample in one["samples"]]
    return min(values), max(values)


def axes(title, x, y, log=True):
    figure, plot = plt.subplots(figsize=(6, 3.4), layout="constrained")
    plot.set(title=title, xlabel=x, ylabel=y)
    if log:
        plot.set_xscale("symlog", linthresh=1)
    plot.grid(alpha=0.3)
    return figure, plot


def line(plot, points, key, **style):
    """`points`: (x, result). Medians, with the lowest and the highest sample."""
    values = [one["value"] for _, one in points]
    spreads = [spread(one, key) for _, one in points]
    below = [value - low for value, (low, _) in zip(values, spreads)]
    above = [high - value for value, (_, high) in zip(values, spreads)]
    plot.errorbar([x for x, _ in points], values, yerr=[below, above], marker="o", capsize=3,
                  **style)


def rates(results, directory, what):
    points = [(one["params"][what], one) for one in named(results, f"curve.{what}.")]
    if not points:
        return
    other = "1,000 rules" if what == "flows" else "10,000 flows"
    figure, plot = axes(f"64 bytes, one worker, {other}", what, "Mpps")
    line(plot, points, "mpps")
    plot.set_ylim(bottom=0)
    save(figure, directory, f"rate-{what}")


def latency(results, directory):
    points = [(100 * one["params"]["load"], one) for one in named(results, "curve.latency.")]
    if not points:
        return
    figure, plot = axes("one-way latency, 1,000 flows, 1,000 rules", "% of the highest rate", "us",
                        log=False)
    line(plot, points, "p99", label="p99")
    for part in ("p50", "p999"):
        plot.plot([x for x, _ in points], [one["params"][part] for _, one in points], marker="o",
                  label=part.replace("p999", "p99.9"))
    plot.set_yscale("log")
    plot.legend()
    save(figure, directory, "latency-load")


def compile_time(results, directory):
    points = [(one["params"]["rules"], one) for one in named(results, "compile.")]
    if not points:
        return
    figure, plot = axes("policies compiled, built and proven", "flat rules", "seconds")
    line(plot, points, None)
    plot.set_xscale("log")
    plot.set_yscale("log")
    save(figure, directory, "compile-rules")


def save(figure, directory, name):
    path = os.path.join(directory, f"{name}.svg")
    figure.savefig(path, metadata={"Date": None})
    print(path)


def main():
    *files, directory = sys.argv[1:]
    if not files:
        sys.exit(__doc__)
    results = []
    for path in files:
        with open(path, encoding="utf-8") as file:
            results += json.load(file)
    os.makedirs(directory, exist_ok=True)
    for what in ("flows", "rules"):
        rates(results, directory, what)
    latency(results, directory)
    compile_time(results, directory)


if __name__ == "__main__":
    main()
