"""What deep models are trained towards: loss, answers and measurements, one module a goal."""
