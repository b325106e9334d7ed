"""``machine``: machine files, looked at without a store.

``check`` names every problem of every file, not the first one: exit code 1 when there is any. A file that is no
UTF-8, no JSON or no machine is a finding like any other; only one that cannot be opened is bad usage. With
``--json`` each file is one object: file, sound, name, version, statuses, and problems with kind, place and message.

``diagram`` draws one file as a Mermaid state diagram; ``--json`` puts the text into one object. An unsound file is
drawn as far as it can be read, its problems marked and listed, and the exit code is 1.

``diff`` tells what two files differ in, and what that means for states that are stored: exit code 0 where they are the
same, 1 where they are not, and 2 for a file that is no sound machine. With ``--json`` it is one object: old, new, same,
safe, changes, hazards, notes.

``convert`` writes a definition in SCXML, XState's JSON or Amazon States Language as a machine file, and names what of
it has no place there: exit code 1 when anything has not. With ``--json`` it is one object: file, format, machine,
left_out, problems.

All read a machine without its functions: guards and applies are named in the file, and known by name only.
"""
