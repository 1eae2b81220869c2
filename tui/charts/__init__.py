"""Charts as terminal lines: `chart.render_chart` draws the `curve.Curve`s of a `chartspec.ChartSpec`.

Pure functions. May import `style`.
"""
