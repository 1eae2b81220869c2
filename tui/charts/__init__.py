"""Charts as terminal lines: `chart.render_chart` draws the `curve.Curve`s of a `chart_spec.ChartSpec`.

Pure functions. May import `style`.
"""
