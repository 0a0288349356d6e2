from managed_databases.cli import main

main()
