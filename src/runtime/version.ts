/** Our version: the bundler puts it in from package.json. */
declare const MESHCHAT_VERSION: string | undefined;

export const VERSION: string = typeof MESHCHAT_VERSION === 'string' ? MESHCHAT_VERSION : '0.0.0';
