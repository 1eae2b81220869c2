"""What the clip does, as pure functions: a lane's page of diagnostics, its histogram, the glossary."""
