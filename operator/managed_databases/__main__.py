from managed_databases.programs import main

main()
