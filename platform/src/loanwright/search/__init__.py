"""Search for better LightGBM parameters: trials drawn, run over folds, compared, and what to change because of them."""
