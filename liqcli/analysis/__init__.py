"""One module a question: each runs SQL over the lake and gives frozen dataclasses back."""
