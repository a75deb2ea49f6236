"""`lab oncall`: a blind shift on the learner's own stack of lesson 03."""
