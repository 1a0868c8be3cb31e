import module org.imsg;

void main() throws Exception {
    try (ImsgChannel.Pair pair = ImsgChannel.pair();
            ImsgChannel parent = pair.first().allowFdPassing().format(WireFormat.MODERN);
            ImsgChannel child = pair.second().allowFdPassing()) {
        Path secret = Files.writeString(Files.createTempFile("imsg", ""), "read by its descriptor");
        parent.send(Imsg.of(1, "the file you asked for").withFd(Fd.open(secret)));
        Files.delete(secret);                                       // the name is gone, the descriptor is on its way
        try (Imsg message = child.receive(); FdChannel file = new FdChannel(message.takeFd())) {
            ByteBuffer text = ByteBuffer.allocate(64);
            file.read(text);
            IO.println(message + ": " + new String(text.array(), 0, text.position()));
        }
    }
}
