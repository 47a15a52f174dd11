"""A channel's configuration as a tree, and the updates that lead from one tree to
another.  By hand, as wire.py: it shares no code with what it tests."""

import copy

from wire import data, field, fields, number


class Item:
    """A value or a policy; content: the bytes of its field 2."""

    def __init__(self, content=b"", mod_policy="Admins", version=0):
        self.content, self.mod_policy, self.version = content, mod_policy, version

    def same(self, other):
        return (self.content, self.mod_policy) == (other.content, other.mod_policy)

    def encode(self):
        return (version(self.version) + (data(2, self.content) if self.content else b"") +
                (data(3, self.mod_policy) if self.mod_policy else b""))


class Group:
    def __init__(self, version=0):
        self.version, self.mod_policy = version, "Admins"
        self.groups, self.values, self.policies = {}, {}, {}

    def at(self, path):
        """A group below: at("Application/Org1MSP")."""
        group = self
        for name in filter(None, path.split("/")):
            group = group.groups[name]
        return group

    def encode(self):
        out = version(self.version)
        for n, members in ((2, self.groups), (3, self.values), (4, self.policies)):
            for name in sorted(members):
                out += data(n, data(1, name) + data(2, members[name].encode()))
        return out + (data(5, self.mod_policy) if self.mod_policy else b"")


def version(n):
    return number(1, n) if n else b""


def item_of(message):
    return Item(field(message, 2, b""), field(message, 3, b"").decode(), field(message, 1, 0))


def group_of(message):
    group = Group(field(message, 1, 0))
    group.mod_policy = field(message, 5, b"").decode()
    for n, members, parse in ((2, group.groups, group_of), (3, group.values, item_of),
                              (4, group.policies, item_of)):
        for entry in (value for name, value in fields(message) if name == n):
            members[field(entry, 1).decode()] = parse(field(entry, 2, b""))
    return group


def config_of(block):
    """The root group of a config block: ConfigEnvelope { 1 config { 2 channel_group } }"""
    envelope = field(field(block, 2), 1)
    return group_of(field(field(field(field(envelope, 1), 2), 1), 2))


def compare(old, new):
    """(what is relied on, what is wanted, whether they differ): two groups."""
    reads, writes = Group(old.version), Group(old.version)
    reads.mod_policy = writes.mod_policy = ""
    same, moved = Group(), old.mod_policy != new.mod_policy
    for kind in ("policies", "values"):
        was, will = getattr(old, kind), getattr(new, kind)
        moved = moved or was.keys() != will.keys()
        for name, item in will.items():
            if name not in was:
                getattr(writes, kind)[name] = Item(item.content, item.mod_policy)
            elif was[name].same(item):
                getattr(same, kind)[name] = Item(b"", "", was[name].version)
            else:
                getattr(writes, kind)[name] = Item(item.content, item.mod_policy,
                                                   was[name].version + 1)
    moved = moved or old.groups.keys() != new.groups.keys()
    for name, group in new.groups.items():
        if name not in old.groups:
            writes.groups[name] = new_group(group)
            continue
        read, write, differs = compare(old.groups[name], group)
        if differs:
            reads.groups[name], writes.groups[name] = read, write
        else:
            same.groups[name] = read
    if moved:
        writes.version += 1
        writes.mod_policy = new.mod_policy
        for kind in ("groups", "values", "policies"):
            getattr(reads, kind).update(getattr(same, kind))
            getattr(writes, kind).update(getattr(same, kind))
    return reads, writes, moved or any((writes.groups, writes.values, writes.policies))


def new_group(group):
    fresh = copy.deepcopy(group)
    stack = [fresh]
    while stack:
        one = stack.pop()
        one.version = 0
        for item in (*one.values.values(), *one.policies.values()):
            item.version = 0
        stack.extend(one.groups.values())
    return fresh


def update(channel, old, new):
    """A ConfigUpdate { 1 channel_id, 2 read_set, 3 write_set }."""
    reads, writes, _ = compare(old, new)
    return data(1, channel) + data(2, reads.encode()) + data(3, writes.encode())


# ---- what values hold ---------------------------------------------------------------


def batch_size(count, absolute=10 << 20, preferred=2 << 20):
    return number(1, count) + number(2, absolute) + number(3, preferred)


def consensus_type(name, metadata=b"", state=0):
    return data(1, name) + (data(2, metadata) if metadata else b"") + (
        number(3, state) if state else b"")


def capabilities(*names):
    return b"".join(data(1, data(1, name) + data(2, b"")) for name in names)


def implicit_policy(rule, sub_policy):
    """Policy { 1 type = IMPLICIT_META, 2 ImplicitMetaPolicy { 1 sub_policy, 2 rule } }"""
    rules = {"ANY": 0, "ALL": 1, "MAJORITY": 2}
    meta = data(1, sub_policy) + (number(2, rules[rule]) if rules[rule] else b"")
    return number(1, 3) + data(2, meta)
