"""Reading messages by their shape: quicker than a decoder that knows nothing of the message before.

``shape.py`` reads a message value by value, texts and numbers as ``scan.py`` and times as ``times.py`` says;
``learning.py`` makes a shape of a message. ``app/domain/quick.py`` has the shapes of a topic.
"""
