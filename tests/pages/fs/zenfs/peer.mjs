// What the suite uses of ZenFS itself: its rules of access, which work on plain stats, and its way to flush.
export { defaultContext } from '@zenfs/core/internal/contexts';
export { hasAccess } from '@zenfs/core/internal/inode';

export const sync = () => globalThis.fs.sync();
