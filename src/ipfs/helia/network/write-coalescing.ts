import type { ConnectionProtector, MultiaddrConnection } from '@libp2p/interface'
import type { SendResult } from '@libp2p/utils'
import type { Socket } from 'node:net'

/** A connection of @libp2p/tcp, with what its types hide. */
interface SocketConnection extends MultiaddrConnection {
  socket?: Socket
  sendData: (pieces: Iterable<Uint8Array>) => SendResult
}

/**
 * Has each message go to the kernel in one call. @libp2p/tcp writes the pieces of a message one by one, and of a message of noise there
 * are four and more: its length, a head, the bytes, the tag; each is a call, a packet and a wake-up of the other side. It stands where
 * libp2p takes a protector, because that is given every connection before anything is sent; it protects nothing.
 */
export const writeCoalescing = (): ConnectionProtector => ({
  protect: async connection => {
    const { socket } = connection as unknown as SocketConnection
    if (socket != null) (connection as unknown as SocketConnection).sendData = pieces => sendCorked(socket, pieces)
    return connection
  }
})

function sendCorked (socket: Socket, pieces: Iterable<Uint8Array>): SendResult {
  let sentBytes = 0
  let canSendMore = true
  socket.cork()
  for (const piece of pieces) {
    sentBytes += piece.byteLength
    canSendMore = socket.write(piece)
  }
  socket.uncork()
  return { sentBytes, canSendMore }
}
