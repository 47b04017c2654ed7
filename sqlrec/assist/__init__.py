"""What an editor and the shell ask while a script is written: completion, hover, outline. Pure."""
