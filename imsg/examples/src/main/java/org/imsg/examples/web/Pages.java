package org.imsg.examples.web;

import static io.netty.buffer.Unpooled.EMPTY_BUFFER;
import static io.netty.buffer.Unpooled.wrappedBuffer;
import static io.netty.handler.codec.http.HttpVersion.HTTP_1_1;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/**
 * Answers GET with the file of that name. It does not look at names for dots and links that lead elsewhere: there is no
 * elsewhere.
 */
final class Pages extends SimpleChannelInboundHandler<FullHttpRequest> {
    private boolean isAnswered;

    /** One answer a connection: those to further requests would be kept for a client that does not read them. */
    @Override
    protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
        if (isAnswered)
            return;
        isAnswered = true;
        context.channel().config().setAutoRead(false);
        DefaultFullHttpResponse response = answer(request);
        HttpUtil.setContentLength(response, response.content().readableBytes());
        HttpUtil.setKeepAlive(response, false);
        context.writeAndFlush(response).addListener(ChannelFutureListener.CLOSE);
    }

    private static DefaultFullHttpResponse answer(FullHttpRequest request) {
        if (request.decoderResult().isFailure())
            return response(HttpResponseStatus.BAD_REQUEST, EMPTY_BUFFER);
        if (!request.method().equals(HttpMethod.GET))
            return response(HttpResponseStatus.METHOD_NOT_ALLOWED, EMPTY_BUFFER);
        try {
            return response(HttpResponseStatus.OK, wrappedBuffer(Files.readAllBytes(Path.of(request.uri()))));
        } catch (IOException | InvalidPathException _) {
            return response(HttpResponseStatus.NOT_FOUND, EMPTY_BUFFER);
        }
    }

    private static DefaultFullHttpResponse response(HttpResponseStatus status, ByteBuf body) {
        return new DefaultFullHttpResponse(HTTP_1_1, status, body);
    }

    /** A client that went away, say. */
    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        context.close();
    }
}
