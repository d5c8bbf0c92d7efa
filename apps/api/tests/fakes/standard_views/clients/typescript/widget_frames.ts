export const NAME = "pong";
