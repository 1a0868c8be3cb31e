package org.imsg.examples.web;

import static io.netty.handler.codec.http.HttpVersion.HTTP_1_1;

import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.DefaultFileRegion;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.LastHttpContent;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/**
 * Answers GET with the file of that name. It does not look at names for dots and links that lead elsewhere: there is no
 * elsewhere.
 */
final class Pages extends SimpleChannelInboundHandler<HttpRequest> {
    private boolean isAnswered;

    /** One answer a connection: those to further requests would be kept for a client that does not read them. A body is passed over. */
    @Override
    protected void channelRead0(ChannelHandlerContext context, HttpRequest request) {
        if (isAnswered)
            return;
        isAnswered = true;
        context.channel().config().setAutoRead(false);
        answer(context, request).addListener(ChannelFutureListener.CLOSE);
    }

    private static ChannelFuture answer(ChannelHandlerContext context, HttpRequest request) {
        if (request.decoderResult().isFailure())
            return refuse(context, HttpResponseStatus.BAD_REQUEST);
        if (!request.method().equals(HttpMethod.GET))
            return refuse(context, HttpResponseStatus.METHOD_NOT_ALLOWED);
        try {
            Path file = Path.of(request.uri());
            return Files.isRegularFile(file)
                    ? send(context, FileChannel.open(file))
                    : refuse(context, HttpResponseStatus.NOT_FOUND);
        } catch (IOException | InvalidPathException _) {
            return refuse(context, HttpResponseStatus.NOT_FOUND);
        }
    }

    /** The kernel sends the file, as fast as the client reads it: none of it is kept here. */
    private static ChannelFuture send(ChannelHandlerContext context, FileChannel file) throws IOException {
        DefaultFileRegion content = new DefaultFileRegion(file, 0, file.size());
        writeHead(context, new DefaultHttpResponse(HTTP_1_1, HttpResponseStatus.OK), content.count());
        context.write(content);
        return context.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT);
    }

    private static ChannelFuture refuse(ChannelHandlerContext context, HttpResponseStatus status) {
        writeHead(context, new DefaultHttpResponse(HTTP_1_1, status), 0);
        return context.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT);
    }

    private static void writeHead(ChannelHandlerContext context, HttpResponse head, long length) {
        HttpUtil.setContentLength(head, length);
        HttpUtil.setKeepAlive(head, false);
        context.write(head);
    }

    /** A client that went away, say. */
    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        context.close();
    }
}
