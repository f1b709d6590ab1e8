"""Small servers on 127.0.0.1 that keep each exchange's rules, written from the facts and not from the adapters."""
