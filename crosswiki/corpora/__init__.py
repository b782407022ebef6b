"""Where articles come from, and how their text becomes words, splits and token ids."""
