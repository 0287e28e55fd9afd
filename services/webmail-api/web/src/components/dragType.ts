/** The data type of a message on its way to a folder. */
export const DRAG_TYPE = "application/x-mailquay-email";
