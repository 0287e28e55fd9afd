"""Every conversation in transcripts/, over sockets, with a service of its own process."""

from pathlib import Path

import pytest

from mailquay.testing.deployment import PASSWORD
from mailquay.testing.transcripts import play, read_transcript

_FILES = sorted(Path(__file__).parent.glob("transcripts/**/*.txt"))


#: What nobody wants to read in a file.
_LONG = {"long": "x" * 10_001, "half": "x" * 5000, "large": "x" * 110_000}


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.stem)
def test_conversation(imap, path):
    transcript = read_transcript(path)
    stage = imap.set_stage(transcript)
    play(
        transcript,
        lambda port: imap.connect(port, **stage.settings),
        tls=imap.tls,
        variables={"address": stage.address, "password": PASSWORD, **_LONG, **stage.others},
        connections=stage.connections,
    )


def test_there_are_conversations():
    assert len(_FILES) > 60
