import type { PongFrame } from "../../../../../../common/client_runtime/typescript/reconnecting_socket.js";
import { NAME } from "./widget_frames.js";

export const WidgetSocket: PongFrame = { type: NAME };
