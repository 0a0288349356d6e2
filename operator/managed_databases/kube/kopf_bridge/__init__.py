"""Everything that knows kopf. kopf decides when to list, when to watch, and from which version; the objects go past kopf.

    API server ----> WatchTransport ----> Informers ----> Store, and whoever asks for changes
                        |    ^
       pages without    |    | requests: list, watch from a version
       items, bookmarks v    |
                         kopf, as KopfBridge starts it

kopf's handlers, indexes, peering and finalizers are not used, and kopf writes nothing (`kopf_settings`).
"""
