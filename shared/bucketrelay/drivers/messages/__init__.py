"""Copies and datasets asked for by a broker's messages.

`requests` and `datasets` say what the messages mean, and are pure; `broker` carries them; `intake` turns them into rows
of the job queue, and is done with them then; `copying` and `syncing` are what workers do with those rows; `letters`
sends what is to be answered.
"""
