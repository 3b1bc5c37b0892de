// Whether the service has stopped responding, as the state of a component.

import { isDisconnected, onDisconnected, onReconnected } from "../connection.js";
import { useEffect, useState } from "../ui.js";

export function useIsStale() {
  const [isStale, setIsStale] = useState(isDisconnected());
  useEffect(() => {
    const stops = [onDisconnected(() => setIsStale(true)), onReconnected(() => setIsStale(false))];
    return () => stops.forEach((stop) => stop());
  }, []);
  return isStale;
}
