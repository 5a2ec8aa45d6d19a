/** The version that `--version`, the metrics and the logs name; the same as package.json's (a test compares them). */
export const VERSION = '0.1.0';
