"""Pure rendering of the diagnostics, which show what clipping does: a lane's page, its histogram, the glossary."""
