"""Editing in Labelme on this computer: the checkout, edits that become revisions, `dmr open`."""
