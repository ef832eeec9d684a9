"""Labelme on this computer: frames out as files, edits taken up, `dmr open`."""
