-- Wireshark dissector for recordings of imsg: pcapng with link type USER0, as "imsg tap --record x.pcapng" writes it.
-- Installed by one copy, into ~/.local/lib/wireshark/plugins/ (or where Help > About > Folders says "Personal Lua Plugins").
-- Names of message types come from the preference "Table of types": a file whose lines are "NUMBER NAME"; the lines
-- "message NUMBER NAME" of a struct description file are understood as well. Environment: IMSG_TYPES names such a file, too.
-- What the 16 bytes before each packet mean is said in the Javadoc of org.imsg.harness.record.Recording.

local imsg = Proto("imsg", "OpenBSD imsg")

local kinds = { [0] = "message", [1] = "bytes", [2] = "end", [3] = "note" }
local directions = { [0] = "client to server", [1] = "server to client", [2] = "neither" }
local formats = { [0] = "classic", [1] = "modern" }

local f = imsg.fields
f.kind = ProtoField.uint8("imsg.kind", "Kind", base.DEC, kinds)
f.direction = ProtoField.uint8("imsg.direction", "Direction", base.DEC, directions)
f.format = ProtoField.uint8("imsg.format", "Wire format", base.DEC, formats)
f.connection = ProtoField.uint32("imsg.connection", "Connection")
f.count = ProtoField.uint8("imsg.descriptors", "Descriptors that came along")
f.what = ProtoField.string("imsg.descriptor", "Descriptor")
f.note = ProtoField.string("imsg.note", "Note")
f.type = ProtoField.uint32("imsg.type", "Type")
f.name = ProtoField.string("imsg.type_name", "Type name")
f.length = ProtoField.uint32("imsg.len", "Length with header")
f.flags = ProtoField.uint16("imsg.flags", "Flags", base.HEX)
f.mark = ProtoField.bool("imsg.mark", "Marked: a descriptor is announced")
f.peerid = ProtoField.uint32("imsg.peerid", "Peerid")
f.pid = ProtoField.uint32("imsg.pid", "Pid")
f.payload = ProtoField.bytes("imsg.payload", "Payload")
f.bytes = ProtoField.bytes("imsg.bytes", "Bytes")

local odd = ProtoExpert.new("imsg.odd", "Bytes that are no message", expert.group.MALFORMED, expert.severity.WARN)
local missing = ProtoExpert.new("imsg.missing", "Announced descriptor did not come", expert.group.PROTOCOL,
    expert.severity.WARN)
imsg.experts = { odd, missing }

imsg.prefs.types = Pref.string("Table of types", "", "A file with lines of a type's number and its name")

local names = {}

local function read_names(path)
    names = {}
    if path == nil or path == "" then
        return
    end
    local file = io.open(path)
    if file == nil then
        return
    end
    for line in file:lines() do
        local number, name, way = line:match("^%s*message%s+(%d+)%s+(%S+)%s*([<>]?)")
        if number == nil then
            number, name = line:match("^%s*(%d+)%s+(%S+)")
            way = ""
        end
        if number ~= nil then
            -- 0 is to the server, 1 to the client
            for direction = 0, 1 do
                local key = direction .. ":" .. number
                if names[key] == nil and (way == "" or (way == ">") == (direction == 0)) then
                    names[key] = name
                end
            end
        end
    end
    file:close()
end

function imsg.prefs_changed()
    read_names(imsg.prefs.types)
end

function imsg.init()
    local path = imsg.prefs.types
    if path == "" then
        path = os.getenv("IMSG_TYPES")
    end
    read_names(path)
end

local function number(range, big)
    if big then
        return range:uint()
    end
    return range:le_uint()
end

local function add(tree, field, range, big)
    if big then
        return tree:add(field, range)
    end
    return tree:add_le(field, range)
end

-- Length and mark: classic has 16 bits of length and 16 of flags, modern 31 bits of length under the mark.
local function length_and_mark(tree, buffer, at, format, big)
    local length, mark
    if format == 0 then
        length = number(buffer(at + 4, 2), big)
        local flags = number(buffer(at + 6, 2), big)
        mark = flags % 2 == 1
        tree:add(f.length, buffer(at + 4, 2), length)
        tree:add(f.flags, buffer(at + 6, 2), flags)
        tree:add(f.mark, buffer(at + 6, 2), mark)
    else
        local word = number(buffer(at + 4, 4), big)
        mark = word >= 0x80000000
        length = mark and word - 0x80000000 or word
        tree:add(f.length, buffer(at + 4, 4), length)
        tree:add(f.mark, buffer(at + 4, 4), mark)
    end
    return length, mark
end

local function message(tree, buffer, at, pinfo, direction, format, big, descriptors)
    local kind = number(buffer(at, 4), big)
    local name = names[direction .. ":" .. kind]
    add(tree, f.type, buffer(at, 4), big)
    if name ~= nil then
        tree:add(f.name, buffer(at, 4), name):set_generated()
    end
    local length, mark = length_and_mark(tree, buffer, at, format, big)
    add(tree, f.peerid, buffer(at + 8, 4), big)
    add(tree, f.pid, buffer(at + 12, 4), big)
    if buffer:len() > at + 16 then
        tree:add(f.payload, buffer(at + 16))
    end
    if mark and descriptors == 0 then
        tree:add_proto_expert_info(missing)
    end
    local text = string.format("%d%s, peerid %d, pid %d, length %d", kind, name and " " .. name or "",
        number(buffer(at + 8, 4), big), number(buffer(at + 12, 4), big), length)
    if mark then
        text = text .. ", descriptor"
    end
    tree:append_text(": " .. text)
    pinfo.cols.info = text
end

function imsg.dissector(buffer, pinfo, root)
    if buffer:len() < 16 or buffer(0, 1):uint() ~= 1 then
        return 0
    end
    pinfo.cols.protocol = "imsg"
    local tree = root:add(imsg, buffer())
    local kind = buffer(1, 1):uint()
    local direction = buffer(2, 1):uint()
    local format = buffer(3, 1):uint()
    local big = buffer(4, 1):uint() == 1
    local descriptors = buffer(5, 1):uint()
    local text_length = buffer(6, 2):uint() + 65536 * buffer(12, 4):uint()
    tree:add(f.kind, buffer(1, 1))
    tree:add(f.direction, buffer(2, 1))
    tree:add(f.format, buffer(3, 1))
    tree:add(f.connection, buffer(8, 4))
    tree:add(f.count, buffer(5, 1))
    if direction == 0 then
        pinfo.cols.src, pinfo.cols.dst = "client", "server"
    elseif direction == 1 then
        pinfo.cols.src, pinfo.cols.dst = "server", "client"
    end
    local at = 16
    for line = 1, descriptors do
        local last = at
        while last < 16 + text_length and buffer(last, 1):uint() ~= 10 do
            last = last + 1
        end
        tree:add(f.what, buffer(at, last - at))
        at = math.min(last + 1, 16 + text_length)
    end
    if at < 16 + text_length then
        tree:add(f.note, buffer(at, 16 + text_length - at))
    end
    at = 16 + text_length
    if kind == 0 and buffer:len() >= at + 16 then
        message(tree, buffer, at, pinfo, direction, format, big, descriptors)
    elseif kind == 1 then
        if buffer:len() > at then
            tree:add(f.bytes, buffer(at))
        end
        tree:add_proto_expert_info(odd)
        pinfo.cols.info = (buffer:len() - at) .. " bytes that are no message"
    elseif kind == 2 then
        pinfo.cols.info = "end of stream"
    elseif text_length > 0 then
        pinfo.cols.info = buffer(16, text_length):string()
    end
    return buffer:len()
end

DissectorTable.get("wtap_encap"):add(wtap.USER0, imsg)
