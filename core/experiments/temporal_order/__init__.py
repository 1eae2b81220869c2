"""The temporal order problem, and a recurrent network with its passes written out by hand."""
