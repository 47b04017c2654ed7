"""What two towers need beside other deep models: a catalogue of items, a loss over a batch, two exports."""
