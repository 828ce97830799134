/** stub */
export {};
