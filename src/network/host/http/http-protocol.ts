/** One HTTP/1.1 exchange after the other on a stream, usually one. */
export const httpProtocol = '/libp2p-http'
