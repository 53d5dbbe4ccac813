"""Where the bytes of audio come from: a path, bytes or a file object, checked, able to seek, or a part of one."""
