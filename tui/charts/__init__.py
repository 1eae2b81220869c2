"""Charts as lines of a terminal: `chart.render_chart` draws the `curve.Curve`s that a `chartspec.ChartSpec` holds.

Pure functions; imports `style`.
"""
