"""HTX: liquidation history by REST."""
