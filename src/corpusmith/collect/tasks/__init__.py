"""Data made for a task: pairs, summaries, questions, dialogues, instructions as `messages`."""
