"""The page ``kangaroo app``: a Gradio shell around what stands below it; it computes nothing itself."""
