"""What exports of all model types share: parity, variants, sessions, signatures."""
